"""Storage systems on loopback: real HTTP servers that speak each provider's wire API and really move bytes.

Run with ``python -m reconciler.emulators``. No other part of this project is imported here, and nothing but
``repl lab`` starts this part, as a program: what an emulator believes about a provider must not come from the
adapter that is tested against it.
"""
