//go:build unix

package sock

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// hosts is the file of names. The tests have one of their own.
var hosts = "/etc/hosts"

// Check returns an error that says what is wrong if Dial cannot know where the
// address is.
func Check(address string) error {
	_, err := resolve(address)
	return err
}

// resolve returns the addresses to try, of which there is one at least.
func resolve(address string) ([]syscall.Sockaddr, error) {
	colon := strings.LastIndexByte(address, ':')
	host, number := address[:max(colon, 0)], address[colon+1:]
	port, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("the port is %q, want a number below 65536", number)
	}
	var all []syscall.Sockaddr
	for _, text := range lookUp(host) {
		if ip, ok := parse4(text); ok {
			all = append(all, &syscall.SockaddrInet4{Addr: ip, Port: int(port)})
		} else if ip, ok := parse6(text); ok {
			all = append(all, &syscall.SockaddrInet6{Addr: ip, Port: int(port)})
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("the host is %q, want an IP address such as 127.0.0.1 or [::1], localhost, or a name in %s", host, hosts)
	}
	return all, nil
}

// lookUp returns what should be the IP addresses of a host.
func lookUp(host string) []string {
	inner, brackets := strings.CutPrefix(host, "[")
	switch {
	case brackets:
		return []string{strings.TrimSuffix(inner, "]")}
	case strings.Trim(host, "0123456789.") == "":
		return []string{host}
	case host == "localhost":
		return []string{"127.0.0.1", "::1"}
	}
	var all []string
	text, _ := os.ReadFile(hosts) // without it, no name is known
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) > 0 && slices.ContainsFunc(words[1:], func(name string) bool { return strings.EqualFold(name, host) }) {
			all = append(all, words[0])
		}
	}
	return all
}

// parse4 and parse6 read IP addresses, without zones. It is not net/netip that
// reads them because that keeps zones in package unique, whose beginnings take
// every child 0.08 ms.

func parse4(s string) (ip [4]byte, ok bool) {
	all, ok := numbers(s, ".", 10, 8)
	if !ok || len(all) != len(ip) {
		return ip, false
	}
	for i, n := range all {
		ip[i] = byte(n)
	}
	return ip, true
}

func parse6(s string) (ip [16]byte, ok bool) {
	head, tail, gap := strings.Cut(s, "::")
	front, ok1 := numbers(head, ":", 16, 16)
	back, ok2 := numbers(tail, ":", 16, 16)
	missing := len(ip)/2 - len(front) - len(back)
	if !ok1 || !ok2 || missing < 0 || gap != (missing > 0) {
		return ip, false
	}
	for i, n := range slices.Concat(front, make([]uint16, missing), back) {
		ip[2*i], ip[2*i+1] = byte(n>>8), byte(n)
	}
	return ip, true
}

// numbers reads numbers with separators between them; of an empty text, none.
func numbers(s, separator string, base, bits int) (all []uint16, ok bool) {
	if s == "" {
		return nil, true
	}
	for digits := range strings.SplitSeq(s, separator) {
		n, err := strconv.ParseUint(digits, base, bits)
		if err != nil {
			return nil, false
		}
		all = append(all, uint16(n))
	}
	return all, true
}
