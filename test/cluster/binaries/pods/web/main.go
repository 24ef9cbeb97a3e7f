// Command web is a workload for tests: it says on port 8080 that it is ready, and
// tells on /resolve?name=... which addresses a name has.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	http.HandleFunc("/", func(answer http.ResponseWriter, _ *http.Request) { fmt.Fprintln(answer, "ok") })
	http.HandleFunc("/resolve", func(answer http.ResponseWriter, request *http.Request) {
		deadline, cancel := context.WithTimeout(request.Context(), 5*time.Second)
		defer cancel()
		addresses, err := net.DefaultResolver.LookupHost(deadline, request.URL.Query().Get("name"))
		if err != nil {
			http.Error(answer, err.Error(), http.StatusNotFound)
			return
		}
		fmt.Fprintln(answer, strings.Join(addresses, " "))
	})
	go func() {
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
		<-signals
		os.Exit(0)
	}()
	if err := http.ListenAndServe(":8080", nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
