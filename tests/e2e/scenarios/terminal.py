"""What an operator sees on a terminal."""

import os
import pty
import subprocess
import termios

from registry import scenario
from programs import ORDINARY_USER
from shell import wait_until


@scenario("watch_on_a_terminal_is_a_live_table", netns_only="it is about jitwgctl and a terminal")
def watch_table(env):
    gateway, client = env.world.add_interface(), env.world.add_client()
    client.point_at(gateway)
    env.jitwg.register(client, ("--name", "J\u00f6rg's laptop"))
    env.jitwg.start(gateway)
    ours, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (12, 70))
    with subprocess.Popen(ORDINARY_USER + [env.jitwg.path("jitwgctl"), "--sniffer", env.jitwg.sniffer_socket, "--admin",
                                           env.jitwg.admin_socket, "watch", "--decisions"],
                          stdin=subprocess.DEVNULL, stdout=terminal, stderr=subprocess.STDOUT) as watch:
        os.set_blocking(ours, False)
        seen = bytearray()

        def screen():
            try:
                seen.extend(os.read(ours, 1 << 16))
            except BlockingIOError:
                pass
            return seen.decode("utf-8", "replace").split("\x1b[H")[-2:]

        wait_until(lambda: "nothing yet" in "".join(screen()), 10, "the table stands")
        assert client.ping(4, 20.0)
        wait_until(lambda: "installed 1" in screen()[0], 10, "the table counts the decision")
        frame = screen()[0]
        assert "J\u00f6rg's laptop" in frame and "\x1b[32m" in frame, frame
        assert len(frame.splitlines()) <= 12, frame
        env.jitwg.provisioner.stop()
        assert watch.wait(20) == 3, "it does not say that the provisioner has ended"
    text = "".join(screen())
    assert "jitwgctl: " in text and "provisioner" in text.rsplit("jitwgctl: ", 1)[1], text
    env.jitwg.start_provisioner()


@scenario("evict_all_shows_how_far_it_is_to_a_terminal_alone", netns_only="it is about jitwgctl and a terminal")
def evict_progress(env):
    gateway, client = env.world.add_interface(), env.world.add_client()
    client.point_at(gateway)
    env.jitwg.register(client)
    env.jitwg.start(gateway)
    command = ORDINARY_USER + [env.jitwg.path("jitwgctl"), "--sniffer", env.jitwg.sniffer_socket, "--admin",
                               env.jitwg.admin_socket, "evict", "--all", "--yes"]
    assert client.ping(4, 20.0)
    ours, terminal = pty.openpty()
    shown = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=terminal, timeout=30, check=True)
    os.close(terminal)
    line = os.read(ours, 1 << 16).decode()
    assert "evicting [" in line and "of 1" in line and line.endswith("\r\x1b[K"), line
    assert shown.stdout.decode().rstrip().endswith("removed"), shown.stdout
    assert client.ping(4, 20.0), "the client does not come in again"
    piped = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=True)
    assert piped.stderr == b"" and piped.stdout.decode().rstrip().endswith("removed"), piped
