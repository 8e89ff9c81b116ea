// Package soak runs every variant for a long time, with random sizes, closes,
// cancellations and kills, and checks that nothing leaks: make soak.
package soak
