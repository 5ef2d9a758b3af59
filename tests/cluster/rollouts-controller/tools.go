//go:build tools

// Package tools names what the program of this module is made of, so that go.mod and go.sum pin everything.
package tools

import _ "github.com/argoproj/argo-rollouts/controller"
