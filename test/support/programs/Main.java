import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;

/** A custom runtime in Java: returns the event with a greeting. */
public class Main {
  public static void main(String[] args) throws Exception {
    var api = "http://" + System.getenv("RUNTIME_API_ADDR") + "/v1/runtime/invocation/";
    var client = HttpClient.newHttpClient();
    while (true) {
      var event = client.send(HttpRequest.newBuilder(URI.create(api + "request")).build(), BodyHandlers.ofString());
      var id = event.headers().firstValue("x-cff-request-id").orElseThrow();
      System.out.println("request " + id);
      var answer = HttpRequest.BodyPublishers.ofString("{\"java\":" + event.body() + "}");
      client.send(HttpRequest.newBuilder(URI.create(api + "response/" + id)).POST(answer).build(), BodyHandlers.discarding());
    }
  }
}
