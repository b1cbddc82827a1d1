"""AWS's limits, and the rules that hold between a queue, its consumer and its dead letters.

Nothing here knows Pulumi: the component checks its arguments with it at preview, and the local
provider checks what reaches it.
"""

from .alarms import AGE_PERCENT as AGE_PERCENT
from .alarms import COUNT_THRESHOLD as COUNT_THRESHOLD
from .alarms import check_message_age_alarm as check_message_age_alarm
from .functions import FUNCTION_MEMORY as FUNCTION_MEMORY
from .functions import FUNCTION_TIMEOUT as FUNCTION_TIMEOUT
from .functions import LOG_RETENTION_DAYS as LOG_RETENTION_DAYS
from .functions import MAX_ENVIRONMENT_BYTES as MAX_ENVIRONMENT_BYTES
from .functions import MAX_UNZIPPED_BYTES as MAX_UNZIPPED_BYTES
from .functions import MAX_ZIPPED_BYTES as MAX_ZIPPED_BYTES
from .functions import RESERVED_CONCURRENCY as RESERVED_CONCURRENCY
from .functions import RESERVED_VARIABLES as RESERVED_VARIABLES
from .functions import SECURITY_GROUPS as SECURITY_GROUPS
from .functions import SUBNETS as SUBNETS
from .functions import check_environment as check_environment
from .functions import check_handler as check_handler
from .functions import check_layers as check_layers
from .functions import check_log_retention as check_log_retention
from .mappings import BATCH_SIZE as BATCH_SIZE
from .mappings import BATCH_SIZE_WITHOUT_WINDOW as BATCH_SIZE_WITHOUT_WINDOW
from .mappings import BATCHING_WINDOW as BATCHING_WINDOW
from .mappings import MAX_FILTER_LENGTH as MAX_FILTER_LENGTH
from .mappings import MAX_FILTERS as MAX_FILTERS
from .mappings import MAXIMUM_CONCURRENCY as MAXIMUM_CONCURRENCY
from .mappings import MAXIMUM_POLLERS as MAXIMUM_POLLERS
from .mappings import MINIMUM_POLLERS as MINIMUM_POLLERS
from .mappings import check_batch as check_batch
from .mappings import check_fifo_batch as check_fifo_batch
from .mappings import check_filters as check_filters
from .mappings import check_pollers as check_pollers
from .mappings import maximum_concurrency as maximum_concurrency
from .names import DLQ_SUFFIX as DLQ_SUFFIX
from .names import FIFO_SUFFIX as FIFO_SUFFIX
from .names import QUEUE_NAME_LENGTH as QUEUE_NAME_LENGTH
from .names import check_distinct as check_distinct
from .names import check_name as check_name
from .names import check_queue_names as check_queue_names
from .names import check_tags as check_tags
from .names import is_fifo as is_fifo
from .queues import DATA_KEY_REUSE as DATA_KEY_REUSE
from .queues import DELAY as DELAY
from .queues import KEY_DELETION_WINDOW as KEY_DELETION_WINDOW
from .queues import MAX_RECEIVE_COUNT as MAX_RECEIVE_COUNT
from .queues import MESSAGE_BYTES as MESSAGE_BYTES
from .queues import MESSAGE_RETENTION as MESSAGE_RETENTION
from .queues import RECEIVE_WAIT as RECEIVE_WAIT
from .queues import VISIBILITY_TIMEOUT as VISIBILITY_TIMEOUT
from .queues import check_retention as check_retention
from .queues import check_visibility_timeout as check_visibility_timeout
from .queues import derived_visibility_timeout_seconds as derived_visibility_timeout_seconds
from .queues import retention_advice as retention_advice
from .queues import visibility_timeout_advice as visibility_timeout_advice
from .ranges import Limit as Limit
from .ranges import LimitError as LimitError
from .ranges import check_one_of as check_one_of
