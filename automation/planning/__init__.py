"""What a load needs of SQS and Lambda: pure functions of a load and AWS's figures."""
