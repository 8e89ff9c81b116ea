// Package cputime reads how much processor time a program has used, which tells
// waiting from burning: two workers that wait for each other in turn cost one
// processor, two that fight over a cache line cost two.
package cputime
