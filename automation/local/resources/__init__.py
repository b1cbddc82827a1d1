"""What the local `aws` provider knows: a module for each kind of resource, and the framework.

A new resource type is a `ResourceType` (schema.py) in a module of its service and a line in
catalogue.py: its properties with their rules, and four functions over boto3 that create, read,
update and delete it. Check, diff, names, defaults, tags, previews, refresh and import follow from
the properties. The lifecycle test asks for a case of every type.
"""
