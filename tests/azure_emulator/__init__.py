"""An emulator of Azure Speech for tests: it speaks the wire protocol of the unmodified SDK.

`running` starts it, `server` lists its endpoints, `faults` says how things go wrong by key, `state`
what it counts. What it answers has been tried with the SDK only, never compared with the service.
"""
