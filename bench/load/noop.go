// The function of the benchmark of runtimes: does nothing, as the program of a custom runtime or, without its address, by the runtime protocol.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() {
	if address := os.Getenv("RUNTIME_API_ADDR"); address != "" {
		poll("http://" + address + "/v1/runtime/invocation/")
	}
	speak(bufio.NewReaderSize(os.NewFile(3, "in"), 1<<20), os.NewFile(4, "out"))
}

func poll(api string) {
	for {
		event, err := http.Get(api + "request")
		if err != nil {
			os.Exit(1)
		}
		io.Copy(io.Discard, event.Body)
		event.Body.Close()
		answer, err := http.Post(api+"response/"+event.Header.Get("X-Cff-Request-Id"), "application/json", bytes.NewReader(nil))
		if err != nil {
			os.Exit(1)
		}
		io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
	}
}

func speak(in *bufio.Reader, out io.Writer) {
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			os.Exit(0)
		}
		var frame []json.RawMessage
		if json.Unmarshal(line, &frame) != nil || len(frame) == 0 {
			continue
		}
		switch string(frame[0]) {
		case `"start"`:
			fmt.Fprint(out, "[\"loaded\"]\n[\"ready\"]\n")
		case `"run"`:
			fmt.Fprintf(out, "[\"returned\",%s,\"\",\"\",0]\n", frame[1])
		case `"recall"`:
			fmt.Fprint(out, "[\"recalled\",[]]\n")
		}
	}
}
