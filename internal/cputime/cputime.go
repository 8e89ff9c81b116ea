// Package cputime reads how much processor time a program has used.
//
// The processor time tells sleeping from spinning: two workers that sleep in turn
// use one processor, and two workers that fight over a cache line use two.
package cputime
