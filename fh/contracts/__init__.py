"""What crosses a service boundary.

published   what MR announces on the bus, with its wire names
merge       which of two versions of a feature is the newer one
answers     what Edge asks Dacha: Granted | Denied | NotReady
updates     what SDKs want changed, on its way from Edge to MR
truth       what Dacha asks MR on a miss
"""
