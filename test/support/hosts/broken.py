raise ValueError("cannot be loaded")
