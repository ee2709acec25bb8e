// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.socket;

import dev.culvert.agent.UserException;
import dev.culvert.agent.output.Json;
import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/** Asks a running agent. */
public final class ControlClient {
  /** Why there is no answer. */
  public enum Silence {
    /** Nobody listens. */
    NOT_RUNNING,
    /** Somebody listens, but says nothing in time. */
    NOT_ANSWERING
  }

  /** What came back: an answer, or a reason why there is none. */
  public sealed interface Reply {
    /**
     * @param fields without "ok"
     */
    record Answer(Map<String, Object> fields) implements Reply {}

    record None(Silence reason) implements Reply {}
  }

  private final Path socket;

  public ControlClient(Path socket) {
    this.socket = socket;
  }

  /**
   * Sends one request and waits for its answer.
   *
   * @throws UserException with the agent's own sentence when it refuses, or when the socket may not
   *     be used
   */
  public Reply ask(Map<String, Object> request, Duration patience) {
    Optional<SocketChannel> connection = connect();
    if (connection.isEmpty()) {
      return new Reply.None(Silence.NOT_RUNNING);
    }
    try (LineChannel lines = new LineChannel(connection.get())) {
      lines.write(Json.line(request), patience);
      Optional<String> answer = lines.read(patience);
      return answer.isEmpty() ? new Reply.None(Silence.NOT_RUNNING) : read(answer.get());
    } catch (AsynchronousCloseException late) {
      return new Reply.None(Silence.NOT_ANSWERING);
    } catch (IOException e) {
      // Killed in the middle of our request.
      return new Reply.None(Silence.NOT_RUNNING);
    }
  }

  private Optional<SocketChannel> connect() {
    if (!Files.exists(socket)) {
      return Optional.empty();
    }
    try {
      return Optional.of(SocketChannel.open(UnixDomainSocketAddress.of(socket)));
    } catch (ConnectException refused) {
      return Optional.empty();
    } catch (SocketException e) {
      throw new UserException(
          "Cannot use the control socket " + socket + ": " + e.getMessage() + "; try it as root.",
          e);
    } catch (IOException e) {
      throw new UserException(
          "Cannot use the control socket " + socket + ": " + e.getMessage() + ".", e);
    }
  }

  private static Reply read(String answer) {
    Map<String, Object> fields = Json.parseObject(answer);
    if (!Boolean.TRUE.equals(fields.remove("ok"))) {
      throw new UserException(String.valueOf(fields.get("error")));
    }
    return new Reply.Answer(fields);
  }
}
