// SPDX-License-Identifier: Apache-2.0
/** What the kernel really has, seen and changed with ip(8). */
package dev.culvert.cni.conformance.net;
