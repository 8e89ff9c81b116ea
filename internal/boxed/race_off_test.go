//go:build !race

package boxed

const underRace = false
