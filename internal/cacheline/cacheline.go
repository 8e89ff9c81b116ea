// Package cacheline keeps words that different processors write apart.
//
// Two words on one cache line cannot be written by two processors at once,
// whatever the program means by them: the line moves back and forth, and each
// write waits for it. Loop/sync=false-sharing measures what that costs.
package cacheline

// Size is the distance in bytes that keeps two words from disturbing each
// other: twice the 64-byte line of amd64, because its prefetcher may fetch
// lines in pairs, and exactly the line of Apple's arm64.
const Size = 128

// Pad between two fields, or at the end of an array's element, keeps what is
// before it and what is after it on different lines, wherever the allocator
// puts the whole.
type Pad [Size]byte
