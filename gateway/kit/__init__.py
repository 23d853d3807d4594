"""What the apps behind the gateway import; a leaf that outlives the gateway."""
