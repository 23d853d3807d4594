"""The store, where the planes meet: plan versions one way, heartbeats the other."""
