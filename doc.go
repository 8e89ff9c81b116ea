// Package boundaries measures what a global lock costs, and what each way of
// removing it costs, on the machine it runs on. (placeholder)
package boundaries
