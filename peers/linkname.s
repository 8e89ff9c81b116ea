// An empty file of assembly lets loop.go declare functions without a body.
