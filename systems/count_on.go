//go:build systemscount

package systems

const counting = true
