// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.check;

import dev.culvert.cni.conformance.net.Namespace;

/**
 * What a runtime would start a container in.
 *
 * @param id 64 hexadecimal digits, as containerd and Docker have them
 */
record Container(String id, Namespace namespace) {}
