"""The page: first as frozen data that a test can read (``data`` and the modules that build it), then as HTML (``render``, ``plots``)."""
