package process

import "os"

// A Keeper removes a folder. On this system, nothing removes it if this process is
// killed.
type Keeper struct{ folder string }

// Keep returns a keeper of the folder.
func Keep(folder string, _ []string) (*Keeper, error) { return &Keeper{folder}, nil }

// Started does nothing.
func (k *Keeper) Started(int) {}

// End removes the folder.
func (k *Keeper) End() { _ = os.RemoveAll(k.folder) }
