//go:build boxedcount

package boxed

const counting = true
