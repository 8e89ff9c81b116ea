module boundaries/peers

go 1.26.0

replace boundaries => ..

require (
	boundaries v0.0.0-00010101000000-000000000000
	github.com/cockroachdb/crlib v0.0.0-20260823170307-44ef894cf300
	github.com/puzpuzpuz/xsync/v4 v4.5.0
	tailscale.com v1.96.0
)

require (
	golang.org/x/crypto v0.54.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)
