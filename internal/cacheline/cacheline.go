// Package cacheline keeps apart words that different processors write.
//
// Two processors cannot write two words on one cache line at the same time, even
// if the words have nothing to do with each other. The line moves back and forth,
// and each write waits for it. Loop/sync=false-sharing measures the cost.
package cacheline

// Size is the distance in bytes at which two words no longer disturb each other.
// It is twice the 64-byte line of amd64, whose prefetcher may fetch lines in
// pairs, and exactly the line of Apple's arm64.
const Size = 128

// Pad goes between two fields, or at the end of an array's element. What is before
// it and what is after it are then on different lines, at any address.
type Pad [Size]byte
