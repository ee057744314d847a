"""The embedded backend: recognition, translation and voices in worker processes on this machine."""
