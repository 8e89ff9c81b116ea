//go:build !unix

package noise

func switches() int64 { return 0 }
