// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.socket;

import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The open connections of the control socket. There are never more than {@link #MOST}: then the one
 * that has been silent for longest makes room, so that nobody can take all of them and keep them.
 * Any thread may call.
 */
final class Connections {
  /**
   * Each costs a descriptor and a thread. People need a handful; a runtime that starts containers
   * after a reboot has one for each at the same time.
   */
  static final int MOST = 256;

  private final Set<SocketChannel> idle = new LinkedHashSet<>();
  private final Set<SocketChannel> busy = new LinkedHashSet<>();

  synchronized void add(SocketChannel connection) {
    if (idle.size() + busy.size() >= MOST) {
      // While all are at work, the oldest: its request may be stuck for longer than anybody waits.
      SocketChannel oldest = idle.isEmpty() ? busy.iterator().next() : idle.iterator().next();
      remove(oldest);
      close(oldest);
    }
    busy.add(connection);
  }

  /** It waits for the client's next request. */
  synchronized void idle(SocketChannel connection) {
    if (busy.remove(connection)) {
      idle.add(connection);
    }
  }

  synchronized void busy(SocketChannel connection) {
    if (idle.remove(connection)) {
      busy.add(connection);
    }
  }

  synchronized void remove(SocketChannel connection) {
    idle.remove(connection);
    busy.remove(connection);
  }

  synchronized void closeAll() {
    for (Set<SocketChannel> some : List.of(idle, busy)) {
      some.forEach(Connections::close);
      some.clear();
    }
  }

  private static void close(SocketChannel connection) {
    try {
      connection.close();
    } catch (IOException e) {
      // It is gone, which is all that is wanted.
    }
  }
}
