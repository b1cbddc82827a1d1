"""The embedded AWS: the engine, an emulator and a stand-in `aws` provider on this machine."""
