// A client of Sequent with Go's standard library alone, for the address in NATS_URL. A program of yours would use nats.go.
//
//	go run client.go invoke hello '{"name":"Ada"}'   # prints the outcome; exit code 1 when the invocation failed
//	go run client.go respond shop.price              # runs the function behind the subject shop.price
package main

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/textproto"
	"net/url"
	"os"
	"strconv"
	"strings"
)

type nats struct{ *textproto.Conn } // https://docs.nats.io/reference/reference-protocols/nats-protocol

func (c nats) publish(subject, reply, payload string, headers ...string) {
	head := "NATS/1.0\r\n" + strings.Join(append(headers, "", ""), "\r\n")
	c.PrintfLine("HPUB %s %s %d %d\r\n%s%s", subject, reply, len(head), len(head)+len(payload), head, payload)
}

func (c nats) nextMessage() (subject, reply string, headers textproto.MIMEHeader, payload []byte) {
	for {
		switch words := strings.Fields(must(c.ReadLine())); words[0] {
		case "PING":
			c.PrintfLine("PONG")
		case "-ERR":
			log.Fatal(words)
		case "MSG", "HMSG": // subject, number, [reply], [bytes of the headers], bytes
			last, size := len(words)-1, must(strconv.Atoi(words[len(words)-1]))
			if words[0] == "HMSG" {
				last, size = last-1, size-must(strconv.Atoi(words[last-1]))
				must(c.ReadLine()) // NATS/1.0
				headers = must(c.ReadMIMEHeader())
			}
			payload = make([]byte, size+2)
			must(io.ReadFull(c.R, payload))
			return words[1], strings.Join(words[3:last], ""), headers, payload[:size]
		}
	}
}

// invoke invokes a function and prints the outcome. The request is durable when the acknowledgement has a sequence.
func invoke(c nats, function, event string) (succeeded bool) {
	id, inbox := rand.Text(), "_INBOX."+rand.Text()
	c.PrintfLine("SUB result.%s.* 1\r\nSUB %s 2", function, inbox)
	c.publish("invoke."+function, inbox, event, "Request-Id: "+id)
	for {
		subject, _, headers, payload := c.nextMessage()
		var message map[string]any // An acknowledgement, or the envelope of an outcome.
		json.Unmarshal(payload, &message)
		if subject == inbox && (message["seq"] == nil || message["error"] != nil) {
			log.Fatalf("not accepted: %s", cmp.Or(string(payload), "nobody stores requests for "+function))
		} else if headers.Get("Request-Id") == id {
			fmt.Println(message["response_payload"])
			return strings.HasSuffix(subject, ".succeeded")
		}
	}
}

// respond answers each execution of the function that `sequent fn put price --subject shop.price` defines.
func respond(c nats, subject string) {
	c.PrintfLine("SUB %s 1", subject)
	fmt.Println("ready")
	for {
		_, reply, headers, payload := c.nextMessage()
		var event struct{ Count int }
		if err := json.Unmarshal(payload, &event); err != nil { // The function fails, and is retried.
			c.publish(reply, "", "", "Nats-Service-Error-Code: 500", "Nats-Service-Error: "+err.Error())
		} else {
			c.publish(reply, "", fmt.Sprintf(`{"price":%d,"attempt":%s}`, 7*event.Count, headers.Get("Attempt")))
		}
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	server := must(url.Parse(cmp.Or(os.Getenv("NATS_URL"), "nats://127.0.0.1:4222")))
	password, _ := server.User.Password()
	c := nats{must(textproto.Dial("tcp", server.Host))}
	c.PrintfLine(`CONNECT {"verbose":false,"headers":true,"no_responders":true,"user":%q,"pass":%q}`, server.User.Username(), password)
	given := append(os.Args[1:], "", "", "")
	if given[0] == "respond" {
		respond(c, given[1])
	} else if !invoke(c, given[1], cmp.Or(given[2], "{}")) {
		os.Exit(1)
	}
}
