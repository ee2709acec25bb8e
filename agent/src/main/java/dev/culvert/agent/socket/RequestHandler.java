// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.socket;

import dev.culvert.agent.output.Json;
import dev.culvert.agent.output.Views;
import dev.culvert.control.LeaseStoreException;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.RefusedException;
import java.net.InetAddress;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/** Answers one request line with one response line; never throws. May be called by any thread. */
public final class RequestHandler {
  private static final System.Logger LOG = System.getLogger("dev.culvert.agent");

  private final OverlayOperations overlay;
  private final RuntimeCalls runtimes;
  private final Instant started;
  private final Consumer<Throwable> onFault;

  /**
   * @param runtimes answers what container runtimes ask
   * @param started when the agent became ready, told in answers to "status"
   * @param onFault told of what was our own mistake, and survived
   */
  public RequestHandler(
      OverlayOperations overlay,
      RuntimeCalls runtimes,
      Instant started,
      Consumer<Throwable> onFault) {
    this.overlay = overlay;
    this.runtimes = runtimes;
    this.started = started;
    this.onFault = onFault;
  }

  String answer(String line) {
    Map<String, Object> response = new LinkedHashMap<>();
    try {
      Request request = Request.parse(line);
      response.put("ok", true);
      response.putAll(dispatch(request));
    } catch (RefusedException
        | KernelException
        | LeaseStoreException
        | IllegalArgumentException
        | IllegalStateException
        | UnsupportedOperationException e) { // so overlay and datapath refuse what cannot be
      LOG.log(System.Logger.Level.DEBUG, "refused a request", e);
      return refusal(e.getMessage());
    } catch (Throwable e) { // our own fault: told, and no reason to leave the client waiting
      LOG.log(System.Logger.Level.ERROR, "The request " + line + " met a fault in Culvert", e);
      onFault.accept(e);
      return refusal("Unexpected " + e + "; this is a fault in Culvert: its log has more.");
    }
    return Json.line(response);
  }

  private static String refusal(String sentence) {
    Map<String, Object> response = new LinkedHashMap<>();
    response.put("ok", false);
    response.put("error", sentence);
    return Json.line(response);
  }

  private Map<String, Object> dispatch(Request request) {
    return switch (request.name()) {
      case "status" -> status(request);
      case "tables" -> tables(request);
      case "attach" -> attach(request);
      case "attach-existing" -> attachExisting(request);
      case "detach" -> detach(request);
      case "attach-bridge" -> {
        request.requireOnly(Set.of("bridge"));
        overlay.attachBridge(request.interfaceName("bridge"));
        yield Map.of();
      }
      case "detach-bridge" -> {
        request.requireOnly(Set.of("bridge"));
        overlay.detachBridge(request.interfaceName("bridge"));
        yield Map.of();
      }
      case "cni" -> {
        request.requireOnly(Set.of("environment", "config"));
        yield runtimes.answer(request.texts("environment"), request.anyText("config"));
      }
      case "leave" -> {
        request.requireOnly(Set.of());
        overlay.leave();
        yield Map.of();
      }
      default ->
          throw new RefusedException(
              "The agent does not know the request \""
                  + request.name()
                  + "\"; are agent and command of the same version?");
    };
  }

  private Map<String, Object> status(Request request) {
    request.requireOnly(Set.of());
    Map<String, Object> response = new LinkedHashMap<>();
    response.put("pid", ProcessHandle.current().pid());
    response.put("started", started.toString());
    response.putAll(Views.status(overlay.status()));
    response.put("decapsulation", overlay.decapsulation().map(Views::decapsulation));
    return response;
  }

  private Map<String, Object> tables(Request request) {
    request.requireOnly(Set.of());
    return TablesView.write(
        overlay
            .tables()
            .orElseThrow(() ->
                new RefusedException(
                    "The agent has no tables of its own: its datapath is the kernel's.")));
  }

  private Map<String, Object> attach(Request request) {
    request.requireOnly(Set.of("netns", "interface", "label", "address", "addresses"));
    return Map.of(
        "endpoint",
        Views.endpoint(
            overlay.attach(request.container(), request.addresses("address", "addresses"))));
  }

  private Map<String, Object> attachExisting(Request request) {
    request.requireOnly(Set.of("netns", "interface", "label"));
    return Map.of("endpoint", Views.endpoint(overlay.attachExisting(request.container())));
  }

  private Map<String, Object> detach(Request request) {
    request.requireOnly(Set.of("netns", "address"));
    if (request.has("address") == request.has("netns")) {
      throw new RefusedException(
          "The request \"detach\" takes a netns or an address, one of both.");
    }
    return addresses(
        request.has("address")
            ? overlay.detach(request.address("address"))
            : overlay.detachAll(request.path("netns")));
  }

  private static Map<String, Object> addresses(List<InetAddress> detached) {
    return Map.of("addresses", detached.stream().map(IpAddresses::text).toList());
  }
}
