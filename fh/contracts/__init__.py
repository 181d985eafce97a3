"""What crosses a service boundary.

published   what MR announces on the bus, with its wire names
merge       which of two versions of a feature is the newer one
ordered     where a feature is among those of its environment
answers     what Edge asks Dacha: Granted | Denied | NotReady
updates     what SDKs want changed, on its way from Edge to MR
usage       how often SDKs asked
enrichment  what webhooks are told, and what became of them
messaging   what chats are told, and how that went
event_log   announced changes by number, for caches that missed some
truth       what Dacha asks MR on a miss
"""
