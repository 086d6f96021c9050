// A client of Sequent with Go's standard library alone.
//
//	go run client.go invoke hello '{"name":"Ada"}'   # prints the outcome; exit code 1 when the invocation failed
//	go run client.go respond shop.price              # runs the function behind the subject shop.price
//
// The address is NATS_URL, by default nats://127.0.0.1:4222. A program of yours would use nats.go, which has the same three calls: publish
// with a reply, subscribe, respond. The subjects and messages are those of docs/asyncapi.json.
package main

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
)

type message struct {
	subject, reply, payload string
	headers                 map[string]string
}

// connection is one connection to NATS: https://docs.nats.io/reference/reference-protocols/nats-protocol
type connection struct {
	net.Conn
	lines *bufio.Reader
}

func connect(address string) (*connection, error) {
	parsed, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	opened, err := net.Dial("tcp", parsed.Host)
	if err != nil {
		return nil, err
	}
	options := map[string]any{"verbose": false, "headers": true, "no_responders": true, "lang": "go", "version": "1"}
	if parsed.User != nil {
		options["user"] = parsed.User.Username()
		options["pass"], _ = parsed.User.Password()
	}
	text, _ := json.Marshal(options)
	fmt.Fprintf(opened, "CONNECT %s\r\n", text)
	return &connection{opened, bufio.NewReader(opened)}, nil
}

func (c *connection) subscribe(subject string, number int) { fmt.Fprintf(c, "SUB %s %d\r\n", subject, number) }

func (c *connection) publish(subject, reply, payload string, headers map[string]string) {
	head := "NATS/1.0\r\n"
	for name, value := range headers {
		head += name + ": " + value + "\r\n"
	}
	head += "\r\n"
	fmt.Fprintf(c, "HPUB %s %s %d %d\r\n%s%s\r\n", subject, reply, len(head), len(head)+len(payload), head, payload)
}

// next reads until a message has arrived.
func (c *connection) next() (message, error) {
	for {
		line, err := c.lines.ReadString('\n')
		if err != nil {
			return message{}, err
		}
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case words[0] == "PING":
			fmt.Fprint(c, "PONG\r\n")
		case words[0] == "-ERR":
			return message{}, fmt.Errorf("%s", strings.TrimSpace(line))
		case words[0] == "MSG" || words[0] == "HMSG":
			size, _ := strconv.Atoi(words[len(words)-1])
			content := make([]byte, size+2)
			if _, err := io.ReadFull(c.lines, content); err != nil {
				return message{}, err
			}
			// MSG subject number [reply] bytes; HMSG has the bytes of the headers before.
			head, fixed := 0, 4
			if words[0] == "HMSG" {
				head, _ = strconv.Atoi(words[len(words)-2])
				fixed = 5
			}
			received := message{subject: words[1], payload: string(content[head:size]), headers: map[string]string{}}
			if len(words) > fixed {
				received.reply = words[3]
			}
			for _, pair := range strings.Split(string(content[:head]), "\r\n") {
				if name, value, found := strings.Cut(pair, ":"); found {
					received.headers[name] = strings.TrimSpace(value)
				}
			}
			return received, nil
		}
	}
}

// invoke invokes a function and waits for the outcome. The request is durable when the acknowledgement has a sequence.
func invoke(c *connection, function, event string) (succeeded bool, outcome string, err error) {
	id, inbox := rand.Text(), "_INBOX."+rand.Text()
	c.subscribe("result."+function+".*", 1)
	c.subscribe(inbox, 2)
	c.publish("invoke."+function, inbox, event, map[string]string{"Request-Id": id})
	for {
		received, err := c.next()
		if err != nil {
			return false, "", err
		}
		if received.subject == inbox {
			var acknowledgement struct{ Seq int }
			if json.Unmarshal([]byte(received.payload), &acknowledgement); acknowledgement.Seq == 0 {
				return false, "", fmt.Errorf("not accepted: %q %v", received.payload, received.headers)
			}
		} else if received.headers["Request-Id"] == id {
			var envelope struct {
				Payload string `json:"response_payload"`
			}
			err := json.Unmarshal([]byte(received.payload), &envelope)
			return strings.HasSuffix(received.subject, ".succeeded"), envelope.Payload, err
		}
	}
}

// respond answers each execution of the function that `sequent fn put price --subject shop.price` defines.
func respond(c *connection, subject string) error {
	c.subscribe(subject, 1)
	fmt.Println("ready")
	for {
		received, err := c.next()
		if err != nil {
			return err
		}
		var event struct{ Count int }
		if err := json.Unmarshal([]byte(received.payload), &event); err != nil {
			// The function fails, and is retried.
			c.publish(received.reply, "", "", map[string]string{"Nats-Service-Error-Code": "500", "Nats-Service-Error": err.Error()})
			continue
		}
		c.publish(received.reply, "", fmt.Sprintf(`{"price":%d,"attempt":%s}`, 7*event.Count, received.headers["Attempt"]), nil)
	}
}

func main() {
	address, event := os.Getenv("NATS_URL"), "{}"
	if address == "" {
		address = "nats://127.0.0.1:4222"
	}
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "client invoke <function> [event], or client respond <subject>")
		os.Exit(2)
	}
	if len(os.Args) > 3 {
		event = os.Args[3]
	}
	c, err := connect(address)
	succeeded, outcome := false, ""
	if err == nil && os.Args[1] == "respond" {
		err = respond(c, os.Args[2])
	} else if err == nil {
		succeeded, outcome, err = invoke(c, os.Args[2], event)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		fmt.Println(outcome)
	}
	if !succeeded {
		os.Exit(1)
	}
}
