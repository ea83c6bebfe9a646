/** What nodes of ours say they are: the Kubernetes release whose behaviour the kubelet has. */
export const KUBELET_VERSION = 'v1.35.4';
