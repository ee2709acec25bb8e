// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.socket;

import dev.culvert.agent.output.Json;
import dev.culvert.agent.output.Views;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.kernel.IpAddresses;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Answers one request line with one response line; never throws. May be called by any thread. */
public final class RequestHandler {
  private static final System.Logger LOG = System.getLogger("dev.culvert.agent");

  private final OverlayOperations overlay;
  private final Instant started;

  /**
   * @param started when the agent became ready, told in answers to "status"
   */
  public RequestHandler(OverlayOperations overlay, Instant started) {
    this.overlay = overlay;
    this.started = started;
  }

  String answer(String line) {
    Map<String, Object> response = new LinkedHashMap<>();
    try {
      Map<String, Object> request = Json.parseObject(line);
      response.put("ok", true);
      response.putAll(dispatch(request));
    } catch (RuntimeException e) {
      LOG.log(System.Logger.Level.DEBUG, "refused a request", e);
      response.clear();
      response.put("ok", false);
      response.put("error", e.getMessage() == null ? e.toString() : e.getMessage());
    }
    return Json.line(response);
  }

  private Map<String, Object> dispatch(Map<String, Object> request) {
    String name = text(request, "request");
    return switch (name) {
      case "status" -> status();
      case "tables" ->
          TablesView.write(
              overlay
                  .tables()
                  .orElseThrow(() ->
                      new IllegalArgumentException(
                          "The agent has no tables of its own: its datapath is the kernel's.")));
      case "attach" -> attach(request);
      case "attach-existing" ->
          Map.of(
              "endpoint",
              Views.endpoint(
                  overlay.attachExisting(
                      Path.of(text(request, "netns")), text(request, "interface"))));
      case "detach" -> detach(request);
      case "attach-bridge" -> {
        overlay.attachBridge(text(request, "bridge"));
        yield Map.of();
      }
      case "detach-bridge" -> {
        overlay.detachBridge(text(request, "bridge"));
        yield Map.of();
      }
      case "leave" -> {
        overlay.leave();
        yield Map.of();
      }
      default ->
          throw new IllegalArgumentException(
              "The agent does not know the request \""
                  + name
                  + "\"; are agent and command of the same version?");
    };
  }

  private Map<String, Object> status() {
    Map<String, Object> response = new LinkedHashMap<>();
    response.put("pid", ProcessHandle.current().pid());
    response.put("started", started.toString());
    response.putAll(Views.status(overlay.status()));
    response.put("decapsulation", overlay.decapsulation().map(Views::decapsulation));
    return response;
  }

  private Map<String, Object> attach(Map<String, Object> request) {
    Path netns = Path.of(text(request, "netns"));
    List<InetAddress> wanted = new ArrayList<>();
    if (request.get("address") instanceof String address) {
      wanted.add(IpPrefix.parseAddress(address));
    }
    if (request.get("addresses") instanceof List<?> addresses) {
      addresses.forEach(address -> wanted.add(IpPrefix.parseAddress(address.toString())));
    }
    return Map.of(
        "endpoint", Views.endpoint(overlay.attach(netns, text(request, "interface"), wanted)));
  }

  private Map<String, Object> detach(Map<String, Object> request) {
    if (request.containsKey("address")) {
      return addresses(overlay.detach(IpPrefix.parseAddress(text(request, "address"))));
    }
    return addresses(overlay.detachAll(Path.of(text(request, "netns"))));
  }

  private static Map<String, Object> addresses(List<InetAddress> detached) {
    return Map.of("addresses", detached.stream().map(IpAddresses::text).toList());
  }

  private static String text(Map<String, Object> request, String key) {
    if (request.get(key) instanceof String text && !text.isEmpty()) {
      return text;
    }
    throw new IllegalArgumentException("The request has no \"" + key + "\".");
  }
}
