"""Unit tests of infra.toolchain: file trees of their own, and a runner that plays apt and the servers."""
