// Package process ends commands together with every process that they have started.
package process
