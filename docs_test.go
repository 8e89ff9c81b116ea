package boundaries_test

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"boundaries/internal/claims"
)

// Every file of this repository that a page links to exists.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	links := 0
	err := filepath.WalkDir(".", func(page string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && page != "." && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		if d.IsDir() || filepath.Ext(page) != ".md" {
			return nil
		}
		text, err := os.ReadFile(page)
		if err != nil {
			return err
		}
		for _, match := range link.FindAllStringSubmatch(string(text), -1) {
			to, err := url.Parse(match[1])
			if err != nil {
				t.Errorf("%s: %v", page, err)
				continue
			}
			if to.Scheme != "" || to.Path == "" {
				continue // another site, or a place on this page
			}
			links++
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), filepath.FromSlash(to.Path))); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if links < 40 {
		t.Errorf("%d links, docs/article.md alone has more", links)
	}
}

// The article's page has all claims, and all corrections in order.
func TestArticleIsComplete(t *testing.T) {
	text, err := os.ReadFile("docs/article.md")
	if err != nil {
		t.Fatal(err)
	}
	reading, corrections, _ := strings.Cut(string(text), "\n## Corrections\n")
	for _, id := range claims.IDs() {
		if !regexp.MustCompile(`\b` + id + `\b`).MatchString(reading) {
			t.Errorf("claim %s is not there", id)
		}
	}
	found := regexp.MustCompile(`(?m)^\*\*M([0-9]+)\. `).FindAllStringSubmatch(corrections, -1)
	for i, match := range found {
		if match[1] != fmt.Sprint(i+1) {
			t.Errorf("M%s stands where M%d should", match[1], i+1)
		}
	}
	if len(found) != 29 {
		t.Errorf("%d corrections, want 29", len(found))
	}
	// Every correction that the page mentions is one of them.
	for _, match := range regexp.MustCompile(`\bM([0-9]+)\b`).FindAllStringSubmatch(reading, -1) {
		if n, _ := strconv.Atoi(match[1]); n < 1 || n > len(found) {
			t.Errorf("no correction M%d", n)
		}
	}
}
