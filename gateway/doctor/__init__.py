"""What `banyan doctor` looks at: everything that keeps a gateway from starting, or from running well."""
