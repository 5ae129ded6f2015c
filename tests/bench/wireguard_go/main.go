// Times wireguard-go's ConsumeMessageInitiation on packets from a file, as Debian packages its source: the peer of jitwg's
// own unwrap. It opens no socket and no interface. Input, lines of hexadecimal digits: the responder's private key, the
// initiator's public key, then one initiation each. Prints one JSON object.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/curve25519"
	"golang.zx2c4.com/wireguard/conn/bindtest"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/tun/tuntest"
)

type input struct {
	private, peer string
	packets       []device.MessageInitiation
}

func read(name string) (*input, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	found, lines := &input{}, bufio.NewScanner(file)
	for number := 0; lines.Scan(); number++ {
		switch line := lines.Text(); number {
		case 0:
			found.private = line
		case 1:
			found.peer = line
		default:
			raw, err := hex.DecodeString(line)
			if err != nil {
				return nil, err
			}
			var message device.MessageInitiation
			if err := binary.Read(bytes.NewReader(raw), binary.LittleEndian, &message); err != nil {
				return nil, err
			}
			found.packets = append(found.packets, message)
		}
	}
	if len(found.packets) == 0 {
		return nil, errors.New("no packets in " + name)
	}
	return found, lines.Err()
}

// The device says in its log why it refused a packet. An initiation that was proved and had been there before is told from
// one that was not proved by that line alone.
type verdicts struct{ proved int }

func (v *verdicts) logger() *device.Logger {
	return &device.Logger{
		Verbosef: func(format string, _ ...any) {
			if strings.Contains(format, "handshake replay") || strings.Contains(format, "handshake flood") {
				v.proved++
			}
		},
		Errorf: func(format string, words ...any) { fmt.Fprintf(os.Stderr, format+"\n", words...) },
	}
}

func cpu() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(1, &usage); err != nil { // RUSAGE_THREAD
		panic(err)
	}
	return float64(usage.Utime.Nano() + usage.Stime.Nano())
}

func median(values []float64) float64 {
	sort.Float64s(values)
	return values[len(values)/2]
}

// Nanoseconds of this thread for one call, the median of `slices` stretches of `length`.
func timed(slices int, length time.Duration, call func(number int)) float64 {
	var each []float64
	for slice := 0; slice < slices; slice++ {
		count, end, before := 0, time.Now().Add(length), cpu()
		for time.Now().Before(end) {
			call(count)
			count++
		}
		each = append(each, (cpu()-before)/float64(count))
	}
	return median(each)
}

func measure(found *input, slices int, length time.Duration) (map[string]float64, error) {
	var said verdicts
	dev := device.NewDevice(tuntest.NewChannelTUN().TUN(), bindtest.NewChannelBinds()[0], said.logger())
	defer dev.Close()
	settings := "private_key=" + found.private + "\npublic_key=" + found.peer + "\n"
	if err := dev.IpcSet(settings); err != nil {
		return nil, err
	}
	if err := dev.Up(); err != nil {
		return nil, err
	}
	if dev.ConsumeMessageInitiation(&found.packets[0]) == nil {
		return nil, errors.New("the first packet was refused")
	}
	forged := found.packets[0]
	forged.Timestamp[0] ^= 1
	if dev.ConsumeMessageInitiation(&forged) != nil || said.proved != 0 {
		return nil, errors.New("a forged packet was taken for a proved one")
	}
	calls := 0
	consume := timed(slices, length, func(number int) {
		calls++
		dev.ConsumeMessageInitiation(&found.packets[number%len(found.packets)])
	})
	if said.proved != calls {
		return nil, fmt.Errorf("%d of %d packets were proved", said.proved, calls)
	}
	secret, _ := hex.DecodeString(found.private)
	raw := timed(slices, length, func(number int) {
		if _, err := curve25519.X25519(secret, found.packets[number%len(found.packets)].Ephemeral[:]); err != nil {
			panic(err)
		}
	})
	return map[string]float64{"consume_ns": consume, "x25519_ns": raw, "calls": float64(calls)}, nil
}

func main() {
	slices := flag.Int("slices", 5, "how often each is timed")
	length := flag.Duration("length", 40*time.Millisecond, "of each time")
	flag.Parse()
	runtime.LockOSThread()
	found, err := read(flag.Arg(0))
	if err == nil {
		var result map[string]float64
		if result, err = measure(found, *slices, *length); err == nil {
			err = json.NewEncoder(os.Stdout).Encode(result)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "wireguard_go:", err)
		os.Exit(1)
	}
}
