"""The bus: MR's announcements on their way to every Dacha and Edge.

port       publish, subscribe, and what a subscriber receives
memory     the bus inside one process
following  every event in spite of a bus that loses some
"""
