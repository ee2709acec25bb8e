// SPDX-License-Identifier: Apache-2.0
/**
 * The control socket: a Unix-domain socket on which commands ask a running agent. One JSON object a
 * line each way: {@code {"request":"attach","netns":"/run/netns/a","interface":"eth0"}} is answered
 * by {@code {"ok":true,...}} or {@code {"ok":false,"error":"One sentence."}}.
 */
package dev.culvert.agent.socket;
