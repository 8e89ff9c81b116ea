// Package config has the variants of the lab's shape=map: a map that is mostly
// read, such as a program's configuration, of 1,000 keys by default.
//
// A step looks a key up and then reads the record under it, or updates it. The set
// of keys does not change. In a program that adds keys, copy-on-write and sync-map
// cost more than these figures say. The dial records is the number of keys.
package config

import (
	"fmt"

	"boundaries/contention"
)

// Variants lists the ways to share a map, in the order of the rows.
//
// To add a variant, write its file and add its line here. Then, in docs, run
//
//	go tool boundaries map -format which results/lab.txt > which.md
//
// because that page lists the variants.
var Variants = []contention.Variant{
	{Name: "global-mutex", Is: "a map under one sync.Mutex", Run: runGlobalMutex, Forbids: "two accesses at once; locking again while holding"},
	{Name: "rw-mutex", Is: "a map under one sync.RWMutex", Run: runRWMutex, Forbids: "read locking again while read locked: a waiting writer deadlocks it"},
	{Name: "sharded-lock", Is: "64 maps, by a hash of the key, each with a mutex", Run: runShardedLock, Forbids: "a cheap view of the whole map at one moment: it takes every lock"},
	{Name: "sync-map", Is: "a sync.Map", Run: runSyncMap, Forbids: "changes in place: values do not change; a view of the whole map at one moment; types checked when compiling"},
	{Name: "copy-on-write", Is: "a pointer to a map that never changes: an update swaps in a changed copy", Run: runCopyOnWrite, Forbids: "frequent updates: each copies the whole map"},
	{Name: "private", Is: "nothing shared until the end", Run: runPrivate, Forbids: "sharing", Reference: true},
}

// Default has the values of the dials that are not set.
var Default = func() contention.Case {
	c := contention.Default
	c.Read, c.Records = 99, 1000
	return c
}()

// keys returns n keys.
func keys(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("service.option.%05d", i)
	}
	return keys
}

// newMap returns a map that has a record under each key. The records have no pads, as in a
// program: two of them can share a cache line.
func newMap(keys []string) map[string]*contention.Record {
	records := make(map[string]*contention.Record, len(keys))
	for _, key := range keys {
		records[key] = new(contention.Record)
	}
	return records
}

// total returns how many updates the records of the maps have had, or -1 if the
// words of one record disagree.
func total(maps ...map[string]*contention.Record) int {
	var all []contention.Record
	for _, records := range maps {
		for _, r := range records {
			all = append(all, *r)
		}
	}
	return contention.Total(all)
}
