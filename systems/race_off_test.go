//go:build !race

package systems

const underRace = false
