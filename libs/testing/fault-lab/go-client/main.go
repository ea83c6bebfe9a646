// A client-go client as operators are written: an informer on ConfigMaps, and a writer that tries each write a second time.
//
// Prints a line of JSON for each event that the informer tells, and, once its input has ended, one with what it counted.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	namespace  = "default"
	ownName    = "own-go"
	writePause = 50 * time.Millisecond
	tryLimit   = 5 * time.Second
)

// Told is what the informer's handler was told.
type Told struct {
	Type            string `json:"type"`
	Name            string `json:"name"`
	ResourceVersion string `json:"resourceVersion"`
}

// Summary is the last line.
type Summary struct {
	Type    string   `json:"type"`
	Writes  int      `json:"writes"`
	Retries int      `json:"retries"`
	Errors  []string `json:"errors"`
	Lists   int32    `json:"lists"`
	Watches int32    `json:"watches"`
	// Names and versions in the informer's store at the end.
	Store map[string]string `json:"store"`
	// The version of the last write that was answered.
	LastWritten string `json:"lastWritten"`
}

type counting struct {
	next           http.RoundTripper
	lists, watches *atomic.Int32
}

func (c counting) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Method == http.MethodGet {
		query := request.URL.Query()
		if query.Get("watch") == "true" && query.Get("sendInitialEvents") != "true" {
			c.watches.Add(1)
		} else {
			c.lists.Add(1)
		}
	}
	return c.next.RoundTrip(request)
}

func main() {
	config, err := clientcmd.BuildConfigFromFlags("", os.Args[1])
	exitOn(err)
	var lists, watches atomic.Int32
	watching := rest.CopyConfig(config)
	watching.Wrap(func(next http.RoundTripper) http.RoundTripper { return counting{next, &lists, &watches} })

	out := json.NewEncoder(os.Stdout)
	var outLock sync.Mutex
	tell := func(what any) {
		outLock.Lock()
		defer outLock.Unlock()
		exitOn(out.Encode(what))
	}
	told := func(kind string, object any) {
		if gone, isGone := object.(cache.DeletedFinalStateUnknown); isGone {
			object = gone.Obj
		}
		configMap := object.(*corev1.ConfigMap)
		tell(Told{kind, configMap.Name, configMap.ResourceVersion})
	}

	ctx, cancel := context.WithCancel(context.Background())
	factory := informers.NewSharedInformerFactoryWithOptions(
		kubernetes.NewForConfigOrDie(watching), 0, informers.WithNamespace(namespace))
	informer := factory.Core().V1().ConfigMaps().Informer()
	_, err = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { told("ADDED", object) },
		UpdateFunc: func(_, object any) { told("MODIFIED", object) },
		DeleteFunc: func(object any) { told("DELETED", object) },
	})
	exitOn(err)
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		exitOn(fmt.Errorf("the informer did not sync"))
	}
	tell(Told{Type: "SYNCED"})

	inputEnds := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(inputEnds)
	}()

	summary := Summary{Type: "SUMMARY", Errors: []string{}, Store: map[string]string{}}
	configMaps := kubernetes.NewForConfigOrDie(config).CoreV1().ConfigMaps(namespace)
	write := func(number int) error {
		limited, done := context.WithTimeout(ctx, tryLimit)
		defer done()
		wanted := applycorev1.ConfigMap(ownName, namespace).WithData(map[string]string{"number": fmt.Sprint(number)})
		written, err := configMaps.Apply(limited, wanted, metav1.ApplyOptions{FieldManager: ownName, Force: true})
		if err == nil {
			summary.Writes++
			summary.LastWritten = written.ResourceVersion
		}
		return err
	}
	for number, isOver := 0, false; !isOver; number++ {
		if write(number) != nil {
			summary.Retries++
			if err := write(number); err != nil {
				summary.Errors = append(summary.Errors, err.Error())
			}
		}
		select {
		case <-inputEnds:
			isOver = true
		case <-time.After(writePause):
		}
	}

	// What was written last reaches the informer within this.
	time.Sleep(3 * time.Second)
	for _, object := range informer.GetStore().List() {
		configMap := object.(*corev1.ConfigMap)
		summary.Store[configMap.Name] = configMap.ResourceVersion
	}
	summary.Lists, summary.Watches = lists.Load(), watches.Load()
	tell(summary)
	cancel()
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
