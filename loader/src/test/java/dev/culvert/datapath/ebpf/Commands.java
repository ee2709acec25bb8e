// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Runs the system's own tools, which are the oracle for what we did to the system. */
final class Commands {
  private Commands() {}

  /** Output and exit code of a command. */
  record Result(int exit, String output) {}

  static Result tryRun(String command) {
    try {
      Process process =
          new ProcessBuilder(List.of(command.split(" "))).redirectErrorStream(true).start();
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return new Result(process.waitFor(), output);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  static String run(String command) {
    Result result = tryRun(command);
    if (result.exit() != 0) {
      throw new AssertionError(command + " ended with " + result.exit() + ": " + result.output());
    }
    return result.output();
  }

  /** What a command writes to its standard output, whatever it grumbles. */
  static String quietly(List<String> command) {
    try {
      Process process =
          new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      int exit = process.waitFor();
      if (exit != 0) {
        throw new AssertionError(command + " ended with " + exit);
      }
      return output;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The same inside a namespace. */
  static String in(String namespace, String command) {
    return run("ip netns exec " + namespace + " " + command);
  }

  /**
   * Has a namespace that has no links yet forward, without duplicate address detection: while a
   * router's link-local address is still tentative (one to two seconds), the kernel sends none of
   * the neighbour solicitations that forwarded packets need.
   */
  static void forward(String namespace) {
    in(
        namespace,
        "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1"
            + " net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0");
  }
}
