// Package runtime is the part of package runtime that the explored code calls.
package runtime

import "boundaries/internal/explore"

// Gosched says that the actor spins.
func Gosched() { explore.Spins() }
