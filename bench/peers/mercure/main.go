// A peer of the benches: Mercure's hub as its library offers it, on net/http, without a store on disk.
// Prints {"port":…}; publishers sign with the key given, subscribers are anonymous.
package main

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"

	"github.com/dunglas/mercure"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: mercure KEY")
	}
	hub, err := mercure.NewHub(
		context.Background(),
		mercure.WithAnonymous(),
		mercure.WithPublisherJWT([]byte(os.Args[1]), "HS256"),
		mercure.WithTransport(mercure.NewLocalTransport(mercure.NewSubscriberList(0))),
		mercure.WithLogger(slog.New(slog.DiscardHandler)),
		mercure.WithHeartbeat(0),
		mercure.WithWriteTimeout(0),
	)
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("{\"port\":%d}\n", listener.Addr().(*net.TCPAddr).Port)
	log.Fatal(http.Serve(listener, hub))
}
