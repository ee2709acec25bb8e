// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.socket;

import dev.culvert.agent.UserException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * Listens on the control socket; a thread for each connection. Neither a client that says nothing
 * nor one that does not read keeps anything from the others. The caller holds the {@link
 * InstanceLock}, so a socket that lies there already belongs to a dead agent and is replaced.
 */
public final class ControlServer implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger("dev.culvert.agent");

  /** How long a client may think about its next request. */
  private static final Duration SILENCE = Duration.ofSeconds(60);

  /** How long a client may take to read an answer. */
  private static final Duration READING = Duration.ofSeconds(5);

  /** How long the end waits for answers under way: who asked us to leave hears that we did. */
  private static final long LAST_ANSWERS_MS = 500;

  private final Path socket;
  private final ServerSocketChannel listener;
  private final RequestHandler handler;
  private final Connections connections = new Connections();

  // Shared while a request is answered, exclusive to end.
  private final ReadWriteLock answering = new ReentrantReadWriteLock();

  private ControlServer(Path socket, ServerSocketChannel listener, RequestHandler handler) {
    this.socket = socket;
    this.listener = listener;
    this.handler = handler;
  }

  /**
   * Begins to listen.
   *
   * @throws UserException when the socket cannot be made
   */
  public static ControlServer start(Path socket, RequestHandler handler) {
    try {
      ControlServer server = new ControlServer(socket, listen(socket), handler);
      Thread.ofPlatform().daemon().name("control-socket").start(server::acceptAll);
      return server;
    } catch (IOException e) {
      throw new UserException(
          "Cannot listen on the control socket "
              + socket
              + ": "
              + e.getMessage()
              + "; choose another runDirectory.",
          e);
    }
  }

  /** Under another name first: the socket appears, with its mode, in one step. */
  private static ServerSocketChannel listen(Path socket) throws IOException {
    Path unnamed = socket.resolveSibling("." + socket.getFileName() + ".new");
    Files.deleteIfExists(unnamed);
    ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    try {
      listener.bind(UnixDomainSocketAddress.of(unnamed));
      Files.setPosixFilePermissions(unnamed, PosixFilePermissions.fromString("rw-------"));
      Files.move(unnamed, socket, StandardCopyOption.ATOMIC_MOVE);
      return listener;
    } catch (IOException e) {
      listener.close();
      Files.deleteIfExists(unnamed);
      throw e;
    }
  }

  private void acceptAll() {
    while (listener.isOpen()) {
      try {
        SocketChannel connection = listener.accept();
        connections.add(connection);
        Thread _ =
            Thread.ofPlatform().daemon().name("control-request").start(() -> serve(connection));
      } catch (ClosedChannelException closed) {
        return;
      } catch (IOException e) {
        LOG.log(System.Logger.Level.WARNING, "The control socket refused a connection: {0}", e);
        pause();
      }
    }
  }

  /** Out of file descriptors, say: do not spin. */
  private static void pause() {
    try {
      Thread.sleep(100);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void serve(SocketChannel connection) {
    try (LineChannel lines = new LineChannel(connection)) {
      for (Optional<String> request = await(lines, connection);
          request.isPresent();
          request = await(lines, connection)) {
        answering.readLock().lock();
        try {
          lines.write(handler.answer(request.get()), READING);
        } finally {
          answering.readLock().unlock();
        }
      }
    } catch (IOException e) {
      LOG.log(System.Logger.Level.DEBUG, "a client of the control socket went away", e);
    } finally {
      connections.remove(connection);
    }
  }

  private Optional<String> await(LineChannel lines, SocketChannel connection) throws IOException {
    connections.idle(connection);
    Optional<String> request = lines.read(SILENCE);
    connections.busy(connection);
    return request;
  }

  /** Takes no more requests, and waits a moment for the answers under way. */
  @Override
  public void close() {
    try {
      listener.close();
      Files.deleteIfExists(socket);
      if (!answering.writeLock().tryLock(LAST_ANSWERS_MS, TimeUnit.MILLISECONDS)) {
        LOG.log(System.Logger.Level.WARNING, "A request was not answered to its end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException e) {
      LOG.log(System.Logger.Level.WARNING, "Cannot remove the control socket {0}: {1}", socket, e);
    } finally {
      connections.closeAll();
    }
  }
}
